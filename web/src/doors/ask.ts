// What is asked of the program about doors.

import { useMutation, useQuery } from '@tanstack/react-query';
import { call, get, type Proof } from '../api/client';
import { client } from '../api/queries';

export interface Firewall {
    configured: boolean;
    on: boolean;
    why: string | null;
}

export interface Door {
    id: string;
    state: 'asked' | 'lapsed' | 'refused' | 'approved' | 'open' | 'closing' | 'closed';
    asset: string;
    device: string;
    address: string;
    from: string;
    service: string;
    protocol: string;
    port: number;
    minutes: number;
    maker: string | null;
    asked_by: string;
    asked_at: string;
    why: string;
    decided_by: string | null;
    decided_at: string | null;
    decided_why: string | null;
    until: string | null;
    opened_at: string | null;
    closed_at: string | null;
    ended: string | null;
    ended_why: string | null;
    ended_by: string | null;
    ended_reason: string | null;
    packets: number | null;
    bytes_up: number | null;
    bytes_down: number | null;
    flows: number;
    changes: number;
    record: number;
}

export interface Doors {
    firewall: Firewall;
    waiting: number;
    items: Door[];
    next: string | null;
}

export interface DoorDetail extends Door {
    seen: { from: string; to: string; protocol: string; port: number; app: string | null; packets: number; bytes_up: number; bytes_down: number; began: string; record: number }[];
    changed: { time: string; field: string; before: string | null; after: string | null; record: number }[];
}

export interface Choices {
    firewall: Firewall;
    maker: string | null;
    from: string | null;
    minutes_least: number;
    minutes_most: number;
    services: { name: string; port: number }[];
    devices: { id: string; title: string; address: string; maker: string | null; model: string | null }[];
}

/** Bytes and time move without a notice: asked every five seconds while somebody looks. */
export const useDoors = () => useQuery({ queryKey: ['doors'], queryFn: ({ signal }) => get<Doors>('/doors?limit=100', signal), refetchInterval: 5000 });

export const useDoor = (id: string | null) =>
    useQuery({ enabled: id !== null, queryKey: ['doors', 'one', id], queryFn: ({ signal }) => get<DoorDetail>(`/doors/${id ?? ''}`, signal) });

export const useChoices = () => useQuery({ queryKey: ['doors', 'choices'], queryFn: ({ signal }) => get<Choices>('/doors/choices', signal) });

export const useDoorAct = () =>
    useMutation({
        mutationFn: ({ path, body, proof }: { path: string; body: Record<string, string>; proof?: Proof }) => call<Door>('POST', path, { body, proof }),
        onSettled: () => void client.invalidateQueries({ queryKey: ['doors'] }),
    });
