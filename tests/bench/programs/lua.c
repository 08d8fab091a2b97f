// SPDX-License-Identifier: Apache-2.0
/* Lua 5.4 runs lua.lua: sorting, recursion, string building and matching, tables, closures. The
 * libraries that need files and processes are left out.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

static const char SCRIPT[] = {
#embed "lua.lua"
};

int main(void)
{
    lua_State *lua = luaL_newstate();

    luaL_requiref(lua, "_G", luaopen_base, 1);
    luaL_requiref(lua, "table", luaopen_table, 1);
    luaL_requiref(lua, "string", luaopen_string, 1);
    luaL_requiref(lua, "math", luaopen_math, 1);
    lua_settop(lua, 0);
    if (luaL_loadbuffer(lua, SCRIPT, sizeof SCRIPT, "script") != LUA_OK ||
        lua_pcall(lua, 0, 0, 0) != LUA_OK) {
        puts(lua_tostring(lua, -1));
        return 1;
    }
    lua_close(lua);
    return 0;
}
