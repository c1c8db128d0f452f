"""How much an account behaves like a program: measures, features, a model that explains itself."""
