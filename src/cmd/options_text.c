/* options_text.c - the option table as help, mdoc source and completion words. */
#include "base/assert.h"
#include "cmd/options.h"

#define HELP_WIDTH  80
#define HELP_INDENT 22

/* Words of `text` wrapped at HELP_WIDTH, every line after the first indented. */
static void put_wrapped(struct buf *out, struct str text, size_t column, size_t indent)
{
    size_t start = column;
    while (text.p != NULL) {
        struct str word = str_cut(&text, ' ');
        if (column > start && column + 1 + word.n > HELP_WIDTH) {
            buf_format(out, "\n%*s", (int)indent, "");
            column = indent;
            start = indent;
        } else if (column > start) {
            buf_char(out, ' ');
            column++;
        }
        buf_str(out, word);
        column += word.n;
    }
    buf_char(out, '\n');
}

static void put_row(struct buf *out, const struct option_row *row)
{
    size_t before = out->n;
    buf_format(out, "  --%s", row->name);
    if (row->type != OPTION_FLAG)
        buf_format(out, " %s", row->argument);
    size_t column = out->n - before;
    if (column + 2 > HELP_INDENT) {
        buf_char(out, '\n');
        column = 0;
    }
    buf_format(out, "%*s", (int)(HELP_INDENT - column), "");
    char storage[1024];
    struct buf text;
    buf_init_fixed(&text, storage, sizeof(storage));
    buf_text(&text, row->help);
    if (row->type == OPTION_LIST)
        buf_text(&text, "; may be given more than once");
    if (row->required)
        buf_text(&text, " (needed)");
    if (row->standard != NULL)
        buf_format(&text, " (%s without it)", row->standard);
    put_wrapped(out, buf_view(&text), HELP_INDENT, HELP_INDENT);
}

void options_print_help(const struct command *command, struct buf *out)
{
    ASSERT(command != NULL && out != NULL);
    buf_format(out, "usage: qorgan %s [OPTION]...%s%s\n\n", command->name, command->operands[0] != 0 ? " " : "",
               command->operands);
    put_wrapped(out, str_of(command->text), 0, 0);
    buf_char(out, '\n');
    for (size_t i = 0; i < command->row_count; i++)
        put_row(out, &command->rows[i]);
    buf_format(out, "  --help%*sprint this text\n\n", HELP_INDENT - 8, "");
    buf_format(out, "exit status: 0 done, 1 failed, 2 wrong usage; more in qorgan-%s(1)\n", command->name);
}

static void put_sentence(struct buf *out, const char *text)
{
    buf_char(out, (char)(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 32 : text[0]));
    buf_format(out, "%s.\n", text + 1);
}

void options_print_commands(struct buf *out)
{
    buf_text(out, ".Bl -tag -width \"qorgan-version(1)\"\n");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        buf_format(out, ".It Xr qorgan-%s 1\n", command_at(i)->name);
        put_sentence(out, command_at(i)->summary);
    }
    buf_text(out, ".El\n");
}

void options_print_mdoc(const struct command *command, struct buf *out)
{
    ASSERT(command != NULL && out != NULL);
    buf_text(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < command->row_count; i++) {
        const struct option_row *row = &command->rows[i];
        buf_format(out, ".It Fl Fl %s", row->name);
        if (row->type != OPTION_FLAG)
            buf_format(out, " Ar %s", row->argument);
        buf_char(out, '\n');
        put_sentence(out, row->help);
        if (row->type == OPTION_LIST)
            buf_text(out, "May be given more than once.\n");
        if (row->required)
            buf_text(out, "Needed.\n");
        if (row->type == OPTION_NUMBER)
            buf_format(out, "From %lld to %lld.\n", (long long)row->least, (long long)row->most);
        if (row->type == OPTION_TIME)
            buf_text(out, "A date, an RFC 3339 time, or a distance back from now such as 2h or 7d.\n");
        if (row->standard != NULL)
            buf_format(out, "Without it\n.Ql %s .\n", row->standard);
    }
    buf_text(out, ".It Fl Fl help\nPrint a short help.\n.El\n");
}

void options_print_completion(const struct command *command, struct buf *out)
{
    ASSERT(command != NULL && out != NULL);
    for (size_t i = 0; i < command->row_count; i++)
        buf_format(out, "--%s ", command->rows[i].name);
    buf_text(out, "--help");
}
