"""nginx: files written, tested, switched and reloaded, and nginx asked what came of it.

Law: only this room starts nginx's programs and writes its files; what is in the files is decided by `vhost`.
"""

from skulldns.targets.nginx.program import Commands
from skulldns.targets.nginx.target import Nginx
from skulldns.targets.nginx.templates import template_loader

__all__ = ["Commands", "Nginx", "template_loader"]
