"""What admins see and do; to others none of it exists. Each subject in a module of its own."""

from webui.pages.admin import acting, guests, members, names, watching
from webui.pages.admin.common import blueprint

__all__ = ["acting", "blueprint", "guests", "members", "names", "watching"]
