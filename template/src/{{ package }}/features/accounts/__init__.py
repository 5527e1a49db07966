"""Accounts: users, how they prove who they are, and their API keys."""

from ...core.features import Feature
from .routes import keys, sessions, users
from .service import account
from .tokens import authenticate, delete_expired_sessions, still_holds

feature = Feature(
    routers=(users, sessions, keys),
    retention=(delete_expired_sessions,),
    topics=(account,),
    authenticate=authenticate,
    recheck=still_holds,
)
