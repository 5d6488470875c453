import socket

import pytest


@pytest.mark.parametrize("host", ["127.0.0.1", "127.7.0.23", "::1"])
def test_an_integration_test_can_use_loopback(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as receiver,
        socket.socket(family, socket.SOCK_DGRAM) as sender,
    ):
        try:
            receiver.bind((host, 0))
        except OSError as error:
            pytest.skip(f"no {host} on this machine: {error}")
        sender.sendto(b"hello", receiver.getsockname())
        assert receiver.recv(5) == b"hello"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_integration_test_cannot_reach_further(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        with pytest.raises(RuntimeError, match="loopback only"):
            sender.sendto(b"hello", (host, 53))
        with pytest.raises(RuntimeError, match="loopback only"):
            sender.connect((host, 53))


def test_an_integration_test_cannot_listen_to_the_world() -> None:
    with socket.socket() as listener, pytest.raises(RuntimeError, match="loopback only"):
        listener.bind(("0.0.0.0", 0))  # noqa: S104 - what is to be refused


def test_an_integration_test_cannot_look_up_a_name() -> None:
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.getaddrinfo("name.test", 53)
