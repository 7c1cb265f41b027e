"""Events of the complaints office: that there is something to do, and when; never who complains or about which case."""
