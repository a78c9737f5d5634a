# What stands in for a run in the tests of `lakehouse submit`: says what a run says, and ends as $RUN_CASE has it.
say() { printf '{"lakehouse": %s}\n' "$1"; }
step() {
    say "\"started\", \"step\": \"$1\", \"title\": \"$2\""
    sleep "${3:-0}"
    say "\"ended\", \"step\": \"$1\", \"rows\": 1234, \"message\": \"\", \"seconds\": 0.5"
}
summary='"summary", "summary": {"as_of_on": "2025-12-31", "rows": {"gold": {"dim_customer": 2500}}, "quarantined": {},
 "rules": {"passed": 7, "failed": 0, "warnings": []}, "segments": [], "customer": null, "models": [], "paths": {}}'
summary=$(printf '%s' "$summary" | tr -d '\n')

say '"begun", "sources": "shop", "home": "/lakehouse/home"'
say "\"noted\", \"what\": \"asked for by $LAKEHOUSE_SUBMITTED_BY: $*\""
step land "Land files in bronze"
case "$RUN_CASE" in
    done) say "$summary" ;;
    slow) step silver "Clean into silver" 12; say "$summary" ;;
    endless) step silver "Clean into silver" 3600 ;;
    gate)
        say '"failed", "sentence": "the gate of silver failed", "exit_code": 3'
        echo "error: the gate of silver failed" >&2
        exit 3 ;;
    hungry) exec tail /dev/zero ;;
    killed)
        [ -e /lakehouse/began ] && { rm /lakehouse/began; say "$summary"; exit 0; }
        touch /lakehouse/began
        exit 137 ;;
    uploaded)
        say "\"noted\", \"what\": \"$(wc -c < /opt/lakehouse/upload/sources.zip) bytes\""
        say "$summary" ;;
esac
