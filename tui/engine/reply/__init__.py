"""Reply text: UTF-8, stop strings and thoughts."""
