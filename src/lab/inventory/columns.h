/* The columns that lists of devices have in both directions, in the order in which they are written. Only import.c and export.c include it. */
#ifndef TQ_LAB_COLUMNS_H
#define TQ_LAB_COLUMNS_H

enum column {
    ID,
    IP,
    MAC,
    HOSTNAME,
    NAME,
    OWNER,
    PLACE,
    CRITICALITY,
    ROLE,
    ZONE,
    MAKER,
    MODEL,
    SERIAL,
    SOFTWARE,
    OS,
    RETIRED,
    COLUMNS,
    NOTHING = -1
};

static const char *const column_names[COLUMNS] = {"id",   "ip",   "mac",   "hostname", "name",   "owner",    "place", "criticality",
                                                  "role", "zone", "maker", "model",    "serial", "software", "os",    "retired"};

#endif
