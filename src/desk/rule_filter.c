#include "desk/rulebook.h"
