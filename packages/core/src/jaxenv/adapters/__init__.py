"""Our environments behind the interfaces of other libraries: one module each, imported only when it is asked for.

===============================  =============================================================  ================