"""What text logs have in common: lines, carriers, clock, banners, and the assembly of printed blocks."""
