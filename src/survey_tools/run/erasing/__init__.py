"""Take a household out of the whole workspace, with a receipt."""
