"""HTTP of this compartment: one module per kind of work."""

from services.nationals.complaints.api import complaints

routers = (complaints.router,)
