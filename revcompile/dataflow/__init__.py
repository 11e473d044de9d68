"""What is known of the values of a function before anything is emitted.

`engine` walks the structured IR, forwards or backwards, to a fixpoint at loops; an analysis says only what a
statement does. One file each: `signs`, `finiteness` (may a value be infinite or NaN?), `cotangents` (may a
cotangent be zero, or infinite?). `knowledge` brings them together for one function, and follows calls.
Imports the IR and the gate table.
"""
