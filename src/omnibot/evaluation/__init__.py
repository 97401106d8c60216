"""How well a company's own data are understood: one module a command, from items of a file to figures."""
