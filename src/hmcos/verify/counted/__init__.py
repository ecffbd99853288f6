"""Plans and files checked by counting."""
