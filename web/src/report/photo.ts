// A picture from the camera or the gallery, drawn anew and smaller: what the file says about place, time and phone stays behind on this device.

const SIDE = 1600;
const BYTES = 600 * 1024;

export class NoPicture extends Error {}

async function draw(picture: ImageBitmap, side: number, quality: number): Promise<Blob> {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const pen = canvas.getContext('2d');
    if (!pen) {
        throw new NoPicture();
    }
    pen.fillStyle = '#ffffff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new NoPicture())), 'image/jpeg', quality));
}

export const dataUrl = (blob: Blob) =>
    new Promise<string>((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result as string);
        reader.onerror = () => reject(new NoPicture());
        reader.readAsDataURL(blob);
    });

/** A data: address of the picture as JPEG, at most 600 kB. NoPicture: this browser cannot show the file, so nobody could. */
export async function prepare(file: Blob): Promise<string> {
    let picture: ImageBitmap;
    try {
        picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    } catch {
        throw new NoPicture();
    }
    try {
        for (const [side, quality] of [[SIDE, 0.82], [SIDE, 0.6], [1200, 0.6], [800, 0.5]] as const) {
            const blob = await draw(picture, side, quality);
            if (blob.size <= BYTES) {
                return await dataUrl(blob);
            }
        }
    } finally {
        picture.close();
    }
    throw new NoPicture();
}
