# Desktop entries, one a file, become launchers of the panel, items of the menu, and lines of what starts by itself.
function xml(text) {
    gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); gsub(/"/, "\\&quot;", text)
    return text
}
function write() {
    if (entry == "") return
    gsub(/ *%[a-zA-Z]/, "", command) # field codes stand for files that nobody has chosen here
    print "launcher_item_app = " entry >> panel
    printf "<item label=\"%s\"><action name=\"Execute\"><command>%s</command></action></item>\n", xml(name), xml(command) > menu
    if (starts) print command " &" > startup
}
BEGIN {
    panel = to "/tint2rc"; menu = to "/menu.xml"; startup = to "/startup"
    print "<?xml version=\"1.0\"?>\n<openbox_menu>\n<menu id=\"root-menu\" label=\"Programs\">" > menu
    print "tint2 -c \"" panel "\" &" > startup
}
FNR == 1 { write(); entry = FILENAME; name = command = ""; starts = 0 }
/^Name=/ && name == "" { name = substr($0, 6) }
/^Exec=/ && command == "" { command = substr($0, 6) }
/^X-Somahub-OpensAtStart=true/ { starts = 1 }
END { write(); print "</menu>\n</openbox_menu>" > menu }
