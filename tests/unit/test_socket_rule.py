import socket

import pytest
import pytest_socket


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_a_unit_test_cannot_open_a_socket(family: socket.AddressFamily) -> None:
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket(family)


def test_a_unit_test_cannot_look_up_a_name() -> None:
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.getaddrinfo("localhost", 53)
