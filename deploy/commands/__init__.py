"""What the sub-commands of `payesh` do; imported only when one is called, so that each stays light."""
