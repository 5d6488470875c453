"""The pages of members and admins, each subject in a module of its own."""
