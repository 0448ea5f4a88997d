/* main.c - finds the command and calls it. */
#include "base/buf.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd_present.h"
#ifdef CONFIG_PRESENT
#include "role/config.h"
#endif

#include <stdio.h>
#include <string.h>

#define HELP_MAX 65536

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} functions[] = {
#define X(name) {#name, cmd_##name},
    COMMANDS_PRESENT(X)
#undef X
};

static size_t function_find(const char *name)
{
    size_t i = 0;
    while (i < ARRAY_LEN(functions) && strcmp(functions[i].name, name) != 0)
        i++;
    return i;
}

static void list_print(struct buf *out)
{
    buf_text(out, "usage: qorgan COMMAND [OPTION]... [OPERAND]...\n\n");
    for (size_t i = 0; command_at(i) != NULL; i++)
        if (function_find(command_at(i)->name) < ARRAY_LEN(functions))
            buf_format(out, "  %-13s%s\n", command_at(i)->name, command_at(i)->summary);
    buf_text(out, "\n\"qorgan COMMAND --help\" explains one of them; exit status: 0 done, 1 failed, 2 wrong usage\n");
}

/* For bash: source it, or put it in /usr/share/bash-completion/completions/qorgan. */
static void completion_print(struct buf *out)
{
    buf_text(out, "_qorgan()\n{\n    local words\n    case \"${COMP_CWORD}:${COMP_WORDS[1]}\" in\n    1:*) words=\"");
    for (size_t i = 0; command_at(i) != NULL; i++)
        buf_format(out, "%s%s", i == 0 ? "" : " ", command_at(i)->name);
    buf_text(out, "\" ;;\n");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        buf_format(out, "    *:%s) words=\"", command_at(i)->name);
        options_print_completion(command_at(i), out);
        buf_text(out, "\" ;;\n");
    }
    buf_text(out, "    esac\n    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n"
                  "complete -o default -F _qorgan qorgan\n");
}

/* What config_help lists, "key TAB default TAB help" lines, as the list in qorgan.conf(5). */
static void settings_print(struct str rows, struct buf *out)
{
    buf_text(out, ".Bl -tag -width Ds\n");
    while (rows.p != NULL) {
        struct str row = str_cut(&rows, '\n');
        struct str key = str_cut(&row, '\t');
        struct str standard = str_cut(&row, '\t');
        if (key.n == 0)
            continue;
        buf_format(out, ".It Cm %.*s Ar value\n", STR_ARG(key));
        buf_char(out, (char)(row.p[0] >= 'a' && row.p[0] <= 'z' ? row.p[0] - 32 : row.p[0]));
        buf_str(out, str_skip(row, 1));
        buf_text(out, ".\n");
        if (standard.n > 0)
            buf_format(out, "Without it\n.Ql %.*s .\n", STR_ARG(standard));
    }
    buf_text(out, ".El\n");
}

static int settings_list(struct buf *out)
{
#ifdef CONFIG_PRESENT
    struct buf CLEANUP(buf_done) rows;
    buf_init(&rows, HELP_MAX);
    config_help(&rows);
    settings_print(buf_view(&rows), out);
    fputs(buf_z(out), stdout);
    return CMD_OK;
#else
    settings_print(STR_NONE, out);
    return cmd_usage("help", "this build has no service and so no settings");
#endif
}

int cmd_help(int argc, char **argv)
{
    struct options options;
    struct buf CLEANUP(buf_done) out;
    buf_init(&out, HELP_MAX);
    int status = options_parse("help", argc, argv, &options);
    if (status != OPTIONS_GO)
        return status;
    const struct command *command = options.operand_count > 0 ? command_find(options.operands[0]) : NULL;
    if (options.operand_count > 0 && command == NULL)
        return cmd_usage("help", "there is no command \"%s\"", options.operands[0]);
    if (options_flag(&options, "settings"))
        return settings_list(&out);
    if (options_flag(&options, "completion"))
        completion_print(&out);
    else if (options_flag(&options, "mdoc") && command == NULL)
        options_print_commands(&out);
    else if (options_flag(&options, "mdoc"))
        options_print_mdoc(command, &out);
    else if (command != NULL)
        options_print_help(command, &out);
    else
        list_print(&out);
    fputs(buf_z(&out), stdout);
    return CMD_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "qorgan: a command is needed\nhint: \"qorgan help\" lists the commands\n");
        return CMD_USAGE;
    }
#ifdef ROLE_PRESENT
    if (strcmp(argv[1], "-x") == 0 && argc > 2)
        return cmd_role(argc - 2, argv + 2);
#endif
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    size_t found = function_find(name);
    if (found == ARRAY_LEN(functions)) {
        fprintf(stderr, "qorgan: there is no command \"%s\"\nhint: \"qorgan help\" lists the commands\n", name);
        return CMD_USAGE;
    }
    int status = functions[found].run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "qorgan %s: could not write to standard output\n", name);
        return CMD_FAILED;
    }
    return status;
}
