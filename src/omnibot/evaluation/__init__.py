"""How well a company's own data are understood: one module a command, each from a file to figures."""
