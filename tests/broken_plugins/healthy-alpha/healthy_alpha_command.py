"""The command of healthy-alpha."""


def hello(name: str = "world"):
    print(f"hello {name}")
