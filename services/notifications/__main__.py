"""``python -m services.notifications``"""

from services.notifications.app import service

if __name__ == "__main__":
    service.main()
