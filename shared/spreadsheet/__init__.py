"""Uploaded XLSX workbooks, however hostile: read piece by piece within limits that the service names, or refused.

XLSX is read by the standard library's expat: a reader that builds the whole sheet would make room for every cell between
two that lie far apart, and so could be made to take any amount of memory by a few bytes.
"""
