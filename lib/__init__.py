"""Models, scores, metrics and protocols behind the image anomaly detection companion."""
