/* inventory_devices.c - disks, mounts, USB devices and modems, as sys says. Classes are those of the USB forum's list
 * (bInterfaceClass) and the drivers that serve modems. */
#include "agent/inventory_parts.h"
#include "os/machine.h"

#include <string.h>

#define SECTOR 512u /* of sys/block/NAME/size, whatever the disk's own is */

/* ---- disks ---- */

static bool is_made_up(struct str name)
{
    return str_starts(name, STR("loop")) || str_starts(name, STR("ram")) || str_starts(name, STR("zram"));
}

static bool flag_of(struct look *look, const char *path)
{
    return str_is(look_file(look, path), "1");
}

/* The device hangs on a USB plug when its place in sys says so. */
static const char *bus_of(struct look *look, const char *name)
{
    if (!machine_link(look->machine->root, look_path(look, "sys/block/%s", name), look->target))
        return "unknown";
    struct str target = str_of(look->target);
    if (str_search(target, STR("/usb")) < target.n)
        return "usb";
    if (str_search(target, STR("/mmc")) < target.n)
        return "card";
    return str_search(target, STR("/virtual/")) < target.n ? "virtual" : "internal";
}

static bool disk_name(void *context, const char *name)
{
    struct look *look = context;
    uint64_t sectors = 0;
    if (is_made_up(str_of(name)) ||
        !str_to_u64(look_file(look, look_path(look, "sys/block/%s/size", name)), &sectors) || sectors == 0 ||
        sectors > UINT64_MAX / SECTOR)
        return true; /* a drive without a medium is none */
    look_begin(look, str_of(name));
    json_put_u64(&look->value, "bytes", sectors * SECTOR);
    json_put_text(&look->value, "bus", bus_of(look, name));
    json_put_bool(&look->value, "removable", flag_of(look, look_path(look, "sys/block/%s/removable", name)));
    json_put_bool(&look->value, "rotates", flag_of(look, look_path(look, "sys/block/%s/queue/rotational", name)));
    look_put_file(look, "vendor", look_path(look, "sys/block/%s/device/vendor", name));
    look_put_file(look, "model", look_path(look, "sys/block/%s/device/model", name));
    look_put_file(look, "serial", look_path(look, "sys/block/%s/device/serial", name));
    look_put_file(look, "wwid", look_path(look, "sys/block/%s/device/wwid", name));
    return look_end(look);
}

bool look_disks(struct look *look)
{
    /* A machine without any has no such folder, as some containers. */
    return !machine_exists(look->machine->root, "sys/block") ||
           machine_list(look->machine->root, "sys/block", disk_name, look);
}

/* ---- mounts ---- */

/* File systems that hold data of somebody; the others are made up by the kernel, or by each container anew. */
static bool holds_data(struct str type)
{
    static const char *const types[] = {"ext2", "ext3",  "ext4", "xfs",   "btrfs",     "zfs",     "f2fs", "jfs",
                                        "vfat", "exfat", "ntfs", "ntfs3", "fuseblk",   "iso9660", "udf",  "nfs",
                                        "nfs4", "cifs",  "smb3", "ceph",  "glusterfs", "ocfs2",   "gfs2", "reiserfs"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(type, types[i]))
            return true;
    return false;
}

static bool has_option(struct str options, const char *wanted)
{
    struct str rest = options;
    while (rest.n)
        if (str_is(str_cut(&rest, ','), wanted))
            return true;
    return false;
}

/* Words, as mount(8) knows them, that say what may be done there. */
static void options_put(struct look *look, struct str options)
{
    static const char *const words[] = {"ro", "noexec", "nosuid", "nodev"};
    json_write_key(&look->value, "options");
    json_write_array(&look->value);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (has_option(options, words[i]))
            json_write_text(&look->value, words[i]);
    json_write_array_end(&look->value);
}

static bool mount_line(void *context, struct str line)
{
    struct look *look = context;
    struct inventory_mount mount;
    struct machine_space space;
    char device[1024];
    struct buf text;
    if (!inventory_mount_parse(line, &mount) || !holds_data(mount.type))
        return true;
    look_begin(look, STR_NONE);
    inventory_unescape(str_slice(mount.folder, 0, INVENTORY_KEY_MAX), &look->key);
    buf_init_fixed(&text, device, sizeof device);
    inventory_unescape(str_slice(mount.device, 0, sizeof device), &text);
    look_put(look, "device", buf_view(&text));
    look_put(look, "type", mount.type);
    options_put(look, mount.options);
    struct str folder = str_skip(buf_view(&look->key), 1);
    bool network = str_is(mount.type, "nfs") || str_is(mount.type, "nfs4") || str_is(mount.type, "cifs") ||
                   str_is(mount.type, "smb3") || str_is(mount.type, "ceph") || str_is(mount.type, "glusterfs");
    /* A server that does not answer would hold us up. */
    if (!network && machine_space(look->machine->root, look_path(look, "%.*s", STR_ARG(folder)), &space)) {
        json_put_u64(&look->value, "bytes", space.bytes);
        json_put_u64(look_now(look), "free", space.free);
    }
    return look_end(look);
}

bool look_mounts(struct look *look)
{
    return look_lines(look, "proc/mounts", mount_line) || look_lines(look, "proc/self/mounts", mount_line);
}

/* ---- USB ---- */

enum usb_class {
    USB_STORAGE = 1,
    USB_MODEM = 2,
    USB_NETWORK = 4,
    USB_PHONE = 8,
    USB_WIRELESS = 16,
    USB_INPUT = 32,
    USB_SOUND = 64,
    USB_VIDEO = 128,
    USB_PRINTER = 256,
    USB_CARD = 512,
    USB_HUB = 1024,
    USB_OTHER = 2048,
};

static const struct {
    unsigned class;
    const char *name;
} usb_names[] = {{USB_STORAGE, "storage"},   {USB_MODEM, "modem"}, {USB_NETWORK, "network"}, {USB_PHONE, "phone"},
                 {USB_WIRELESS, "wireless"}, {USB_INPUT, "input"}, {USB_SOUND, "sound"},     {USB_VIDEO, "video"},
                 {USB_PRINTER, "printer"},   {USB_CARD, "card"},   {USB_HUB, "hub"},         {USB_OTHER, "other"}};

struct usb_looking {
    const char *device; /* "1-2" */
    unsigned classes;
};

/* Drivers that serve modems of cellular networks, whatever class the device says that it has. */
static bool is_modem_driver(struct str driver)
{
    static const char *const drivers[] = {"option",  "sierra",         "qcserial",   "qmi_wwan", "cdc_mbim",
                                          "cdc_wdm", "huawei_cdc_ncm", "sierra_net", "hso",      "cdc_acm",
                                          "ipw",     "mos7840_modem"};
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (str_is(driver, drivers[i]))
            return true;
    return false;
}

static unsigned class_of(uint64_t class, uint64_t subclass)
{
    switch (class) {
    case 0x01:
        return USB_SOUND;
    case 0x02: /* communications: abstract control (modems), mobile broadband, else network */
        return subclass == 0x02 || subclass == 0x0e || subclass == 0x08 ? USB_MODEM : USB_NETWORK;
    case 0x03:
        return USB_INPUT;
    case 0x06: /* still image: how phones and cameras give their files */
        return USB_PHONE;
    case 0x07:
        return USB_PRINTER;
    case 0x08:
        return USB_STORAGE;
    case 0x09:
        return USB_HUB;
    case 0x0a: /* the data beside an interface of class 2 */
        return 0;
    case 0x0b:
        return USB_CARD;
    case 0x0e:
        return USB_VIDEO;
    case 0xe0: /* Bluetooth, and subclass 1 protocol 3 of phones that share their network */
        return USB_WIRELESS;
    default:
        return USB_OTHER;
    }
}

/* Interfaces are folders "1-2:1.0" in that of the device. */
static bool usb_interface(void *context, const char *name)
{
    struct look *look = context;
    struct usb_looking *part = look->part;
    uint64_t class = 0;
    uint64_t subclass = 0;
    if (!strchr(name, ':'))
        return true;
    const char *folder = "sys/bus/usb/devices";
    if (!str_hex_to_u64(look_file(look, look_path(look, "%s/%s/%s/bInterfaceClass", folder, part->device, name)),
                        &class))
        return true;
    IGNORE(!str_hex_to_u64(look_file(look, look_path(look, "%s/%s/%s/bInterfaceSubClass", folder, part->device, name)),
                           &subclass));
    struct str driver = look_last_part(look, look_path(look, "%s/%s/%s/driver", folder, part->device, name));
    bool modem = is_modem_driver(driver);
    part->classes |= modem ? USB_MODEM : class_of(class, subclass);
    return true;
}

static void classes_put(struct look *look, unsigned classes)
{
    json_write_key(&look->value, "class");
    json_write_array(&look->value);
    for (size_t i = 0; i < ARRAY_LEN(usb_names); i++)
        if (classes & usb_names[i].class)
            json_write_text(&look->value, usb_names[i].name);
    json_write_array_end(&look->value);
}

/* The number of the plug is in the key: two devices may have the same number, or none. */
static bool usb_key(struct look *look, const char *name)
{
    struct str vendor = look_file(look, look_path(look, "sys/bus/usb/devices/%s/idVendor", name));
    if (vendor.n == 0)
        return false; /* it is an interface, or gone already */
    look_begin(look, str_of(name));
    buf_char(&look->key, ' ');
    buf_str(&look->key, vendor);
    buf_char(&look->key, ':');
    buf_str(&look->key, look_file(look, look_path(look, "sys/bus/usb/devices/%s/idProduct", name)));
    struct str serial = look_file(look, look_path(look, "sys/bus/usb/devices/%s/serial", name));
    if (serial.n)
        buf_char(&look->key, ' ');
    buf_str(&look->key, str_slice(serial, 0, 128));
    return true;
}

static bool usb_name(void *context, const char *name)
{
    static const char *const rows[][2] = {{"vendor", "idVendor"},
                                          {"product", "idProduct"},
                                          {"maker", "manufacturer"},
                                          {"name", "product"},
                                          {"serial", "serial"}};
    struct look *look = context;
    struct usb_looking part = {.device = name};
    if (strchr(name, ':') || str_starts(str_of(name), STR("usb")) || !usb_key(look, name))
        return true; /* interfaces, and the machine's own plugs */
    look->part = &part;
    IGNORE(machine_list(look->machine->root, look_path(look, "sys/bus/usb/devices/%s", name), usb_interface, look));
    classes_put(look, part.classes);
    json_put_text(&look->value, "plug", name);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        look_put_file(look, rows[i][0], look_path(look, "sys/bus/usb/devices/%s/%s", name, rows[i][1]));
    return look_end(look);
}

bool look_usb(struct look *look)
{
    return !machine_exists(look->machine->root, "sys/bus/usb/devices") ||
           machine_list(look->machine->root, "sys/bus/usb/devices", usb_name, look);
}

/* ---- modems: what a program can talk to ---- */

static bool modem_put(struct look *look, const char *class, const char *name)
{
    look_begin(look, str_of(name));
    json_put_text(&look->value, "by", class);
    look_put(look, "driver", look_last_part(look, look_path(look, "sys/class/%s/%s/device/driver", class, name)));
    return look_end(look);
}

static bool tty_name(void *context, const char *name)
{
    struct str text = str_of(name);
    bool modem = str_starts(text, STR("ttyUSB")) || str_starts(text, STR("ttyACM")) || str_starts(text, STR("ttyHS"));
    return !modem || modem_put(context, "tty", name);
}

static bool wwan_name(void *context, const char *name)
{
    return modem_put(context, "wwan", name);
}

static bool net_name(void *context, const char *name)
{
    struct str text = str_of(name);
    bool modem = str_starts(text, STR("wwan")) || str_starts(text, STR("wwp")) || str_starts(text, STR("ppp"));
    return !modem || modem_put(context, "net", name);
}

bool look_modems(struct look *look)
{
    const struct {
        const char *folder;
        bool (*each)(void *context, const char *name);
    } rows[] = {{"sys/class/tty", tty_name}, {"sys/class/wwan", wwan_name}, {"sys/class/net", net_name}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (machine_exists(look->machine->root, rows[i].folder) &&
            !machine_list(look->machine->root, rows[i].folder, rows[i].each, look))
            return false;
    return true;
}
