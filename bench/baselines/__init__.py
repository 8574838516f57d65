"""What our services are measured against: bare minima written by hand, and what people write today."""
