# Run by bash in an xterm: another colour for the whole window each time the pointer comes to another cell.
LC_ALL=C
stty raw -echo
printf '\033[?25l\033[?1003h'
while IFS= read -rsn6 _; do
    turn=$((!turn))
    if [ "$turn" = 1 ]; then printf '\033]11;#c04020\007'; else printf '\033]11;#2040c0\007'; fi
done
