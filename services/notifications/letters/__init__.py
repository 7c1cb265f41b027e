"""What people read: letters, short messages and digests, from templates that were checked before they are used; signed links."""
