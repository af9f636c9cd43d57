"""From a file to datagrams: file formats, link layers, IP, UDP, TCP. `opener.open_sources` is the way in."""
