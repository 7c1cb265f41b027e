"""``python -m services.warehouse`` runs the service."""

from services.warehouse.app import service

if __name__ == "__main__":
    service.main()
