#!/usr/bin/python3
print("é")
