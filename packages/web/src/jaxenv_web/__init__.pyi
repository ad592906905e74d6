from .pages import Page as Page, page as page
from .programs import Programs as Programs
