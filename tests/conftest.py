"""Every test run checks the IR between the compiler's stages."""

from revcompile.ir import verify

verify.enabled = True
