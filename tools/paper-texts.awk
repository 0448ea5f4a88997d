# paper-texts.awk - the rows of data/i18n/paper.tsv as X(KEY, "kk", "ru", "en") for paper_text.c.
BEGIN { FS = "\t" }
/^#/ || /^key\t/ || NF < 4 { next }
{
    key = toupper($1)
    gsub(/[.]/, "_", key)
    for (i = 2; i <= 4; i++) {
        gsub(/\\/, "&&", $i)
        gsub(/"/, "\\\\&", $i)
    }
    printf "X(%s, \"%s\", \"%s\", \"%s\")\n", key, $2, $3, $4
}
