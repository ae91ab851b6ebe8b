"""Code generation: models behind one protocol, and the loop that checks what they write."""
