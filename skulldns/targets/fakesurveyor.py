"""A zone seen from outside as a test says."""

from skulldns.model.outlook import Outlook
from skulldns.model.zones import ZoneId


class FakeSurveyor:
    """Keeps ``Surveyor``: tells ``outlook``, and counts how often it was asked."""

    def __init__(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self.surveys = 0

    @property
    def zone(self) -> ZoneId:
        return self.outlook.zone

    def survey(self) -> Outlook:
        self.surveys += 1
        return self.outlook
