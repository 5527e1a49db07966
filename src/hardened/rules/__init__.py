"""Every rule there is, by name, so that none can be lost in a folder."""

from __future__ import annotations

from ..model import Rule
from .cf.cf001 import CF001
from .cf.cf002 import CF002
from .cf.cf003 import CF003
from .cf.cf004 import CF004
from .cf.cf005 import CF005
from .cf.cf006 import CF006
from .cf.cf007 import CF007
from .cf.cf008 import CF008
from .cl.cl001 import CL001
from .cl.cl002 import CL002
from .cl.cl003 import CL003
from .cl.cl004 import CL004
from .cl.cl005 import CL005
from .cl.cl006 import CL006
from .cl.cl007 import CL007
from .cl.cl008 import CL008
from .db.db001 import DB001
from .db.db002 import DB002
from .db.db003 import DB003
from .db.db004 import DB004
from .db.db005 import DB005
from .db.db006 import DB006
from .db.db007 import DB007
from .db.db008 import DB008
from .db.db009 import DB009
from .db.db010 import DB010
from .db.db011 import DB011
from .db.db012 import DB012
from .im.im001 import IM001
from .im.im002 import IM002
from .im.im003 import IM003
from .im.im004 import IM004
from .im.im005 import IM005
from .im.im006 import IM006
from .im.im007 import IM007
from .im.im008 import IM008
from .jb.jb001 import JB001
from .jb.jb002 import JB002
from .jb.jb003 import JB003
from .jb.jb004 import JB004
from .jb.jb005 import JB005
from .jb.jb006 import JB006
from .jb.jb007 import JB007
from .jb.jb008 import JB008
from .jb.jb009 import JB009
from .jb.jb010 import JB010
from .jb.jb011 import JB011
from .jb.jb012 import JB012
from .jb.jb013 import JB013
from .jb.jb014 import JB014
from .rn.rn001 import RN001
from .rn.rn002 import RN002
from .rn.rn003 import RN003
from .rt.rt001 import RT001
from .rt.rt002 import RT002
from .rt.rt003 import RT003
from .rt.rt004 import RT004
from .rt.rt005 import RT005
from .rt.rt006 import RT006
from .rt.rt007 import RT007
from .rt.rt008 import RT008
from .rt.rt009 import RT009
from .rt.rt010 import RT010
from .rt.rt011 import RT011
from .ws.ws001 import WS001

RULES: tuple[type[Rule], ...] = (
    CF001,
    CF002,
    CF003,
    CF004,
    CF005,
    CF006,
    CF007,
    CF008,
    CL001,
    CL002,
    CL003,
    CL004,
    CL005,
    CL006,
    CL007,
    CL008,
    DB001,
    DB002,
    DB003,
    DB004,
    DB005,
    DB006,
    DB007,
    DB008,
    DB009,
    DB010,
    DB011,
    DB012,
    IM001,
    IM002,
    IM003,
    IM004,
    IM005,
    IM006,
    IM007,
    IM008,
    JB001,
    JB002,
    JB003,
    JB004,
    JB005,
    JB006,
    JB007,
    JB008,
    JB009,
    JB010,
    JB011,
    JB012,
    JB013,
    JB014,
    RN001,
    RN002,
    RN003,
    RT001,
    RT002,
    RT003,
    RT004,
    RT005,
    RT006,
    RT007,
    RT008,
    RT009,
    RT010,
    RT011,
    WS001,
)
