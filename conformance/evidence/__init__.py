"""What was measured of the kit and of released servers: planted faults found, and the matrix."""
