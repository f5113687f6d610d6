/** Saves bytes on this computer; the address of the object ends at once. */
export function save(bytes: Blob, name: string) {
    const address = URL.createObjectURL(bytes);
    const link = document.createElement('a');
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
}
