"""Databases that rows come from and go to: where they are, how they speak, and a connection to one."""
