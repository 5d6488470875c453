"""What members and admins may do: one function for each, the only way for page, API and command line.

Law: each function is one transaction. In it the rules are judged against what is there at that moment, the change is
written, and one row of the audit; after it the bell rings. Whoever calls says who acts and what time it is.
"""

from webui.desk.base import Desk

__all__ = ["Desk"]
