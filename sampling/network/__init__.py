"""Below the guider: how every level reaches the network with its own conditioning."""
