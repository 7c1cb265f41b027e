"""``python -m services.nationals`` runs the service."""

from services.nationals.app import service

if __name__ == "__main__":
    service.main()
