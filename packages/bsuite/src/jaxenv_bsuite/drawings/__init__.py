"""Pictures of bsuite's tasks. Each function is an environment's ``render``; what the agent cannot see is drawn as an outline."""
