"""What every text log needs: lines, wrappers, stamps, a clock, octets from printed lines."""
