"""What Supastate's services have in common."""
