"""What Persian files and the province's offices have in common: letters, digits, numbers, names, dates and holidays.

Pure rules; the one file read here is the shipped list of public holidays.
"""
